"""Story 5, costs moved: POST /quote -> price -> table and SQS -> offer; a deployment makes price cheap and the rest dear."""
