"""`./run bench`: Paywell's pages and its payment action beside bare Django, in the same run.

Machines are noisy, so only the ratios count: bare and Paywell take turns, round by round, on one database, with
the same web server and two server processes each.
"""
