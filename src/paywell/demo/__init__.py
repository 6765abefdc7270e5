"""A believable practice to try Paywell on: seeds data through the same actions that people use."""
