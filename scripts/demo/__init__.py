"""An invented country of need: deterministic, plausible, and large enough to be honest. No person in it is real."""
