"""What joins signals: the views that fill `keys` while a segment is loaded, and the questions put to them."""
