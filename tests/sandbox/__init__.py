"""One whole journey of a connector against its processor's real test mode, for whoever has an account there.

    ./run sandbox --processor stripe

Keys come from the environment and are stored nowhere; live keys are refused. See docs/add-a-processor.md.
"""
