# /etc/motd says which machine this is, what it is for and what state it is in.
unique template features/motd/config;

variable MOTD = {
    place = value("/hardware/sysloc");
    # What differs from node to node comes first: previews of a change show the beginning of a text.
    text = format(
        "%s: %s in cluster %s, rack %s unit %d, state %s\n", OBJECT, value("/system/role"),
        value("/system/cluster/name"), place["rack"], place["unit"], value("/system/state")
    );
    host = hostname_from_object();
    if (exists(NODE_MESSAGES[host])) text = NODE_MESSAGES[host] + "\n" + text;
    text + "\n" + SITE_MESSAGE + "\n";
};

"/software/components/filecopy/services/{/etc/motd}" = dict(
    "config", MOTD,
    "perms", "0644",
    "owner", "root",
    "group", "root",
    "backup", false,
);
