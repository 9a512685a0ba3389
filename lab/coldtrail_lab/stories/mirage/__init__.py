"""Story 4, the mirage: POST /order -> place -> bus -> reserve, receipt; reserve -> bus -> ship; a schedule fills the bus."""
