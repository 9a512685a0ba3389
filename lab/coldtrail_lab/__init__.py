"""A serverless system made of real parts, with faults and a record of the truth."""
