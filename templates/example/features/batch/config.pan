# A batch worker offers its processors; the demonstration application uses half of them.
unique template features/batch/config;

variable BATCH_SLOTS = {
    slots = 0;
    foreach (i; cpu; value("/hardware/cpu")) {
        slots = slots + cpu["cores"];
    };
    slots;
};

"/system/provides/batch" = dict("slots", BATCH_SLOTS);
"/software/components/metaconfig/services/{/etc/weft-demo/app.yaml}/contents/threads" = min(BATCH_SLOTS / 2, 64);
