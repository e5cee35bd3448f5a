# A type of our own: what /etc/weft-demo/app.yaml may hold. A wrong value is refused before any node sees it.
declaration template features/demo/schema;

include "pan/types";

type demo_app = {
    @{ desc = what the application calls itself }
    "title" : string_trimmed(1..80)
    "listen" : type_hostport
    @{ desc = worker threads }
    "threads" : long(1..64)
    "log" : {
        "level" : choice("debug", "info", "warning", "error")
        @{ desc = days to keep }
        "keep" : long(1..365)
    }
    "features" : string[]
};
