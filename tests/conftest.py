"""What all tests share: random tests draw the same examples each time, so that a suite that passes keeps passing.

``--hypothesis-profile=search`` looks for new counterexamples.
"""

try:
    from hypothesis import settings
except ImportError:  # a learner's installation has no hypothesis: those tests skip themselves
    pass
else:
    settings.register_profile("same-each-time", derandomize=True, deadline=None)
    settings.register_profile("search", deadline=None, max_examples=1000)
    settings.load_profile("same-each-time")
