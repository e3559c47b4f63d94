"""What a change of the contract means for those who use the package."""
