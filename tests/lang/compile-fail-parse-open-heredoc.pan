object template compile-fail-parse-open-heredoc;

'/a' = <<EOT;
text