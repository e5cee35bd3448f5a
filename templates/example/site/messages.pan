# Messages of the day, shown in /etc/motd: one for the site, and one for a node where there is something to say.
unique template site/messages;

variable SITE_MESSAGE = "Welcome to example.org. This machine is managed by Weft: changes made by hand are undone.";

variable NODE_MESSAGES = {
    SELF["disk01"] = "First disk server of the pool scratch.";
    SELF["disk12"] = "The newest disk server: tell the storage team if it is slow.";
    SELF["svc01"] = "Holds the map of the storage pool in /etc/weft-demo/pool-map.json.";
    SELF;
};
