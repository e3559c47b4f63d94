"""A stand-in for the runtime: the same command line and stdio protocol, in a process of its own, with a scripted model.

It needs neither an API key nor a built runtime. It is chosen explicitly, and says in ``server_info`` what it is.

Where it differs from the real runtime on purpose:

- Nothing is lost: it reads whole lines however busy it is, drops no event, and pauses runs while nobody reads. A turn
  always runs and is always answered, also behind the run of a peer response, and right after a failure.
- All model names are taken, without credentials; the default model is ``echo``. Pauses between retries have no jitter,
  and can be scaled.
- Prompts that the runtime writes itself (system prompt, help, requests for structured output, responses of peers) are
  in words of its own.
- ``session/list`` does not wait for runs. Interrupting a session whose last run was stopped succeeds.
- Time budgets, hooks, skills, built-in tools, TCP and live channels are not there; what is not there is not claimed.
- Nothing is written unless both ``--state-root`` and ``--realm`` are given.
"""
