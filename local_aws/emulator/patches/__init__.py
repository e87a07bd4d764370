"""Patches for what the emulator does differently from AWS, one difference a module.

Each module says what AWS does and what the emulator does, and replaces functions of the emulator
through ``patch_point``. Its ``apply`` raises ``EmulatorChanged`` if the emulator lacks a private name.
A test that leans on a patch proves something about our reading of AWS, never about AWS itself.
"""
