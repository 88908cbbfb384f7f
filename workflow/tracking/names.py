"""The names of all that the tracking store is told: tags, params, metrics, artifacts, aliases."""

FAMILY_TAG = "workflow.family"
SEED_TAG = "workflow.seed"
VALIDATION_TAG = "workflow.validation"  # how a model was judged: holdout, or cv:<folds>
DIGEST_TAG = "workflow.digest"  # + "." + split, of the clean split
RAW_DIGEST_TAG = "workflow.raw_digest"  # + "." + split, of the raw file
MODEL_TAG = "workflow.registered_model"
VERSION_TAG = "workflow.registered_version"
WINNER_TAG = "workflow.winner"  # the run whose model was registered
# Params of a run of a model: what it is, and its feature set, where those are searched.
FAMILY, FEATURES = "family", "features"
BRIEFLY = "Takes raw rows."  # ends what register says of a version; a workflow says more
ALIAS = "champion"  # of a registered model: the newest version that was accepted
# Artifacts that are read again, of a preprocess, an hpo and a register run.
CHECKS, PROFILE = "checks.csv", "profile.json"
TRIALS, SEARCH_IMPORTANCE = "trials.csv", "hyperparameter_importance.csv"
LEADERBOARD, WINNER = "leaderboard.csv", "winner.json"
RESULT_TAGS = (MODEL_TAG, VERSION_TAG, WINNER_TAG, FAMILY_TAG)
ERROR_TAG = "workflow.error"
KIND_TAG = "workflow.kind"  # of every run: one of the four below
WORKFLOW, STEP, MODEL, TRIAL = "workflow", "step", "model", "trial"
RESULT_TAG = "workflow.result"  # of a step's run: what its last line says
REASON_TAG = "workflow.reason"  # of a step's run below a workflow: why it was not reused
REUSED_TAG = "workflow.reused_from"  # of a run that shows another's result: that run's id
RECORD = "step.json"  # artifact of a finished step: what it depends on, and what came out
KEY_TAG = "workflow.key"
PROCESS_TAG = "workflow.process"  # of a step's run: host, process id and start time of its process
SEARCH_TAG = "workflow.search"  # of a search's run: what its trials depend on
# Of a workflow's run: the version of this project, and how many of its files were in no commit.
PROJECT_VERSION_TAG, UNCOMMITTED_TAG = "workflow.version", "workflow.uncommitted"
REPORT = "report.html"  # artifact of a workflow's run
