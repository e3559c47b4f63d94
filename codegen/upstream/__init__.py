"""What a newer version of the runtime publishes, compared with the contract: the work list of a bump."""
