"""Clinical terms of reports: found by a dictionary, exported where many documents share them."""
