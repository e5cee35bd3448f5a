declaration template features/dirpool/functions;

@documentation{ dirpool_conf(STORAGE, NODE, IP): nginx's configuration, from the text features/dirpool/dirpool.conf. }
function dirpool_conf = {
    if (ARGC != 3) error("usage: dirpool_conf(STORAGE, NODE, IP)");
    location = file_contents("features/dirpool/location.conf");
    locations = "";
    foreach (path; filesystem; ARGV[0]["filesystems"]) {
        plain = unescape(path);
        name = replace("^.*/", "", plain);
        locations = locations + replace("@NAME@", name, replace("@PATH@", plain, location));
    };
    text = file_contents("features/dirpool/dirpool.conf");
    text = replace("@IP@", ARGV[2], text);
    text = replace("@PORT@", to_string(ARGV[0]["port"]), text);
    text = replace("@NODE@", ARGV[1], text);
    # Last, for the locations hold no marks of their own.
    replace("@LOCATIONS@\n", locations, text);
};
