"""What there is to look into of an alert, a finding, a trail or any value, and everything that it is shown with."""
