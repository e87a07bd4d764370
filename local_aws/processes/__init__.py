"""Child processes that never outlive the program that started them."""
