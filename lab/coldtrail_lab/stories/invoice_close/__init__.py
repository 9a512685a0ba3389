"""Story 2, invoice-close: event -> rule -> SQS -> start -> Step Functions -> load, publish -> ledger API; a DLQ at the end."""
