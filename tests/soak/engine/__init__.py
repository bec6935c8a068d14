"""The real handlers in many threads of one process, against an AWS emulator and a mail provider of their own."""
