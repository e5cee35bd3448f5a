template plain;

'/plain' = TEMPLATE;
