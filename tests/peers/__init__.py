"""Real peers for the tests: a SEMS process, baresip phones, SIPp, and ears that tell tones apart."""
