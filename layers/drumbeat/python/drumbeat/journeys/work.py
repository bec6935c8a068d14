"""The machines of journeys. They carry ids; what these mean is in the table."""

from drumbeat.declare import Machine

# Waits until a wake is due, then acts for its members.
ADVANCE = Machine("advance", waits_first=True)
# Lets the members of a large audience enter, slice by slice.
ENROL = Machine("enrol")
# Adds up what became of a journey's entries, day by day.
MEASURE = Machine("measure")
# Replays the past of contacts through a journey that nobody is in.
DRY_RUN = Machine("dry_run")
