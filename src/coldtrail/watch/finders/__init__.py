"""One file per kind of trouble, each a function from the store and a range of time to sightings.

A finder asks the store one bounded question and puts what it is told into words: the title says what is wrong and where,
the advice what to do about it. It keeps nothing: asked about the same range again it says the same.
Those in `FINDERS` ask about the minutes that something was loaded into; `watch/rounds.py` lists those that go by the clock.
"""

from coldtrail.watch.finders.clocks import skewed_clocks
from coldtrail.watch.finders.dependencies import failing_dependencies
from coldtrail.watch.finders.error_lines import error_lines
from coldtrail.watch.finders.executions import failing_executions
from coldtrail.watch.finders.failures import failing_functions
from coldtrail.watch.finders.memory import nearly_out_of_memory
from coldtrail.watch.finders.messages import given_up_messages, messages_taken_again, poison_messages
from coldtrail.watch.finders.recursion import recursions
from coldtrail.watch.finders.retry_storms import retry_storms
from coldtrail.watch.finders.slower import slower_than_before

FINDERS = (
    failing_functions,
    nearly_out_of_memory,
    error_lines,
    failing_dependencies,
    failing_executions,
    given_up_messages,
    poison_messages,
    messages_taken_again,
    slower_than_before,
    retry_storms,
    recursions,
    skewed_clocks,
)

__all__ = ["FINDERS"]
