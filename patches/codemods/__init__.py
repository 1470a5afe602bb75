"""The codemods that m2build ships, one file each."""
