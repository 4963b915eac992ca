"""Expands recurrence rules with python-dateutil.

Input: JSON lines {"start", "rule", "exdates", "rdates", "until"}, naive times as "2024-03-11T09:00:00".
Output: a JSON line per rule, the list of starts up to `until`, both ends included.
"""

import json
import sys
from datetime import datetime

from dateutil.rrule import rruleset, rrulestr

for line in sys.stdin:
    case = json.loads(line)
    start = datetime.fromisoformat(case["start"])
    series = rruleset()
    series.rrule(rrulestr(case["rule"], dtstart=start))
    for text in case["exdates"]:
        series.exdate(datetime.fromisoformat(text))
    for text in case["rdates"]:
        series.rdate(datetime.fromisoformat(text))
    first = min([start] + [datetime.fromisoformat(text) for text in case["rdates"]])
    found = series.between(first, datetime.fromisoformat(case["until"]), inc=True)
    print(json.dumps([moment.isoformat() for moment in found]))
