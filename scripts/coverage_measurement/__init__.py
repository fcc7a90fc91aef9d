"""Branch coverage of the tests, with every process counted: functions, emulator, LocalStack."""
