"""The local AWS: an emulator on a free loopback port, with patches where it differs from AWS."""
