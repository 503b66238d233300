"""Nothing here is a test: these programs measure or take their time, and have commands of their own."""

collect_ignore_glob = ["*.py"]
