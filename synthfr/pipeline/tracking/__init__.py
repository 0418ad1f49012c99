"""MLflow as a view of the pipeline, behind a small interface that can never fail a stage.

A stage does not talk to MLflow. It appends what it has to say to a record, a file of JSON lines
under ``mlruns/spool``; one recorder process sends records on, stays for half a minute after the
last one, and so serves a whole ``dvc repro``. Measured on one core for the 34 stages of the default
pipeline: importing MLflow (1.2-2.1 s), opening the database (1.1 s) and logging (0.6 s) in every
stage costs 100-125 s of processor time; the recorder takes 7 s in all, creation of the database
included, and a stage waits 0.2 s for it. Three things follow at no extra cost: the database has a
single writer (parallel first openings crash MLflow); what a server that is down missed is still in
the spool, whole, for ``synth-fr sync``; a stage that was killed lets go of its record's lock and is
shown as killed, not as running for ever.

    with open_tracker(settings, Path("mlruns")).run("dpo@dpo2", tags, params, state) as run:
        run.log_metrics({"loss": 0.61})

Runs are of four kinds (tag ``kind``). A *pipeline* run is the parent of all that was run in one
state of the pipeline: a family. A *stage* run is one execution of a stage. A *summary* has the
figures of one step (`step0`, `dpo1`, ...), whichever stages measured them. What finished is never
removed: another state is another family beside the first.

Where runs are kept: `store`; `database` its SQLite file, looked at without MLflow; `shown` whether
a run shows what it should; `links` pages of MLflow. What belongs together: `state`, from
`dvc_graph` (dvc.yaml) and `hashes`; `family` the parent run; `summary` the run per step; `cells`
those of a grid. What is shown: `summary_figures` which numbers; `steps` those of each step, from
metrics/. The way there:
`tracker` what opens runs; `spool` the writing side; `recorder` the sending side; `sync` runs
rebuilt from versioned metrics; `wall` what may not be sent; `provenance` which commit and machine a
run comes from.
"""

from synthfr.pipeline.tracking.spool import Run
from synthfr.pipeline.tracking.tracker import Tracker, open_tracker, present_state

__all__ = ["Run", "Tracker", "open_tracker", "present_state"]
