"""The tables and views, as a list of migrations, one file for what belongs together; and the walk from one version to the next."""
