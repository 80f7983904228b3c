# Programs under tests/unit are listed by the folder they test.
