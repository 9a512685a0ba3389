"""A range's costs, and the capacity that was held over it."""
