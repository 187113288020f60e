"""seedrender: a declarative batch renderer for AI video.

A shot crosses the program once, in one direction, changing type at each border:

    text → Document          source.yaml_text.parse  plain tree, line and column of every value
    Document → Manifest      source.schema, .parse   every violation in one pass
    Manifest → Jobs          source.expand.load      templates, axes, takes, segments
    jobs → JobGraph          plan.graph.build        who continues whose clip
    graph + Lock → Plan      plan.make.plan          one step a job, each with its reason
    Plan → Promise → text    plan.saved              agreed on; plan.breach says what moved since
    Job → Submission         provider.encode         the exact request, without secrets
    Submission → Task        provider.submit, .poll  run.submit buys, run.looks says when to look
    Task → Artifact          provider.retrieve       run.files verifies and moves it into place
    Event → LockEntry        run.store, lock.fold    events are facts; the lock is their join
    Plan + Lock → HTML       plan.report

Layers, lowest first; a module imports from its own and from those before it:

    errors      every deliberate error and its exit code
    values/     what things are: frozen types, ids, enums
    catalog/    models and prices: dated data files, and one loader
    source/     text → jobs; lint rules; the schema of a route
    lock/       what happened: fingerprints, the lockfile, and the join of facts
    plan/       what to do, and what to say about it
    providers/  our side of the wires
    media/      video and pictures
    sim/        the other side of the wires
    project/    what lies on disk beside a manifest: the hold of a run, what was bought before
    run/        doing it: files, journal, requests; `run.project` composes the way to the plan,
                `run.render` a run
    cli/        one thin module a command

Up to plan/ the code is pure: no clock, no environment, no file but bundled data.
"""

__version__ = "0.1.0"
