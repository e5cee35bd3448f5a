# A proxy knows the disk servers of its rack's pool by name; what it runs is up to the site.
unique template features/proxy/config;

"/system/provides/proxy" = dict("port", 3128, "group", "proxies");
"/software/components/metaconfig/services/{/etc/weft-demo/app.yaml}/contents/features" = list("cache");
