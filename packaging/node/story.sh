# The story that ./quickstart tells once everything runs; sourced by it. One value changes and goes live, metrics flow, a storage node
# is drained, worked on and returned. Each step shows the command a person would type.

first=${nodes[0]}.$domain

# -- a change ---------------------------------------------------------------------------------------------------------------------
messages=$site/site/messages.pan
fetched() { # profiles handed out by the server since it started
  curl -s --cacert "$state/server/admin/ca.crt" --cert "$state/server/admin/admin.pem" "$client_url/metrics" |
    awk '/^weft_http_requests_total.*route="\/v1\/profile\/:node".*status="200"/ { n += $2 } END { print n + 0 }'
}
fetches=$(fetched)
say "one value changes: the message of the day of $first, in site/messages.pan"
sed -i "s|SELF\[\"${nodes[0]}\"\] = \".*\";|SELF[\"${nodes[0]}\"] = \"Hello from ./quickstart at $(date -u +%H:%M:%S) UTC.\";|" "$messages"
show weft template plan "$site"
say "commit: all nodes it touches are compiled and validated before anything is published"
committed=$(date +%s%N)
show weft template commit "$site" -m "quickstart: a new message of the day on $first"
weft node wait "$first" >/dev/null
note "applied and reported by $first $((($(date +%s%N) - committed) / 1000000)) ms after the commit was sent; profiles fetched in the meantime: $(($(fetched) - fetches))"
show run_on "${nodes[0]}" cat etc/motd

say "a wrong value is refused whole, with its place and a suggestion"
config=$site/features/demo/config.pan
cp "$config" "$state/story.keep"
sed -i 's|"contents/threads" ?= .*;|"contents/threads" ?= 400;|' "$config"
if show weft template commit "$site" -m "400 threads"; then fail "a wrong value was accepted"; fi
mv "$state/story.keep" "$config"

# -- metrics ----------------------------------------------------------------------------------------------------------------------
if [ "$containers" = yes ]; then
  say "metrics flow: last values of $first, and the same in Prometheus"
  for _ in $(seq 60); do weft metric show "$first" node_load1 >/dev/null 2>&1 && break; sleep 0.5; done
  show weft metric show "$first" node_load1
  curl -s "http://$store/api/v1/query" --data-urlencode 'query=count by (instance) ({job="weft"})' |
    jq -r '.data.result[] | "       prometheus: \(.metric.instance) \(.value[1]) series"'

  # -- a drain --------------------------------------------------------------------------------------------------------------------
  say "a storage node is drained, worked on and returned: files in the pool first"
  # A node that has just booted answers a moment after it reported.
  for _ in $(seq 60); do weft storage check >/dev/null 2>&1 && break; sleep 0.5; done
  if ! weft storage list 2>/dev/null | grep -q demo; then
    mkdir -p "$state/demo"
    for i in $(seq 12); do head -c $((i * 40000)) /dev/urandom >"$state/demo/demo-$i.dat"; done
    weft storage put "$state"/demo/demo-*.dat | sed 's/^/       /'
  fi
  show weft storage check
  show weft sms set maintenance "replace disk in slot 3" "$first"
  weft workflow watch "$first" --until work-order 2>&1 | sed 's/^/       /'
  show weft work-order list
  order=$(weft work-order list --json | jq -r --arg node "$first" '[.work_orders[] | select(.node == $node and .state == "open")][0].id // empty')
  [ -n "$order" ] || fail "no work order for $first: weft workflow list tells where it stands"
  show weft profile show "$first" /system/state
  say "the technician does the work and closes the order"
  show weft work-order done "$order" --note "disk replaced"
  weft workflow watch "$first" --until done 2>&1 | sed -n '/verified *work/,$s/^/       /p'
  show weft profile show "$first" /system/state
  show weft storage check
else
  note "metrics and the drain of a storage node need real nodes: run ./quickstart where containers are allowed"
fi
