"""The names of all that the tracking store is told, by what they are of.

How those of scores (`val_rmse`) begin stands in models/metrics.py, the names of the files in
`SPLITS_FOLDER` in data/splits.py. docs/runs.md lists tags and artifacts for readers of the store.
"""

# Tags of every run.
KIND_TAG = "workflow.kind"  # one of the four below
WORKFLOW, STEP, MODEL, TRIAL = "workflow", "step", "model", "trial"
ERROR_TAG = "workflow.error"  # of one that has failed or was interrupted: why, in one line

# Tags of the run of a workflow or a step.
STEP_TAG = "workflow.step"  # the entry point
PROCESS_TAG = "workflow.process"  # which process of which host is at work on it
PROJECT_VERSION_TAG = "workflow.version"  # of a workflow: the version of this project
UNCOMMITTED_TAG = "workflow.uncommitted"  # of a workflow: how many of its files no commit has

# Tags of the run of a step.
RESULT_TAG = "workflow.result"  # what its last line in the terminal says
REASON_TAG = "workflow.reason"  # below a workflow: why it was not reused
KEY_TAG = "workflow.key"  # the digest of all that its result depends on
REUSED_TAG = "workflow.reused_from"  # of a run that only shows another's result: that run's id
DIGEST_TAG = "workflow.digest"  # + "." + split: of the clean split; also of the run of a model
RAW_DIGEST_TAG = "workflow.raw_digest"  # of preprocess, + "." + split: of the raw file
SEARCH_TAG = "workflow.search"  # of hpo: the digest of all that its trials depend on

# Tags of the run of a model: a family of train, or a trial of hpo.
FAMILY_TAG = "workflow.family"  # also of train, hpo, register and the workflow: of the best model
VALIDATION_TAG = "workflow.validation"  # how it was judged: holdout, or cv:<folds>
SEED_TAG = "workflow.seed"
NO_VALUE_TAG = "workflow.no_value"  # which metrics have no mean over the folds, and why

# Tags of register's run, and of the workflow's.
MODEL_TAG = "workflow.registered_model"
VERSION_TAG = "workflow.registered_version"
WINNER_TAG = "workflow.winner"  # the id of the run whose model was registered
VERDICT_TAG = "workflow.verdict"  # of reproduce and monitor: what they have found
DECISION_TAG = "workflow.decision"  # whether the version was promoted, and why; also of promote
RESULT_TAGS = (MODEL_TAG, VERSION_TAG, WINNER_TAG, FAMILY_TAG, DECISION_TAG)

# Tags of register's run, and of promote's.
CHAMPION_TAG = "workflow.champion"  # the number of the version that serves after it, or none
DECIDED_ON_TAG = "workflow.decided_on"  # the digest of the rows on which two models were compared

# MLflow's own tags.
NAME_TAG = "mlflow.runName"
NOTE_TAG = "mlflow.note.content"  # the description on a run's page
PARENT_TAG = "mlflow.parentRunId"
SOURCE_TAG = "mlflow.source.name"  # a folder or a git URL
COMMIT_TAG = "mlflow.source.git.commit"
REPOSITORY_TAG = "mlflow.source.git.repoURL"
CONTEXT_TAG = "mlflow.data.context"  # of a dataset input: the split

# Params of the run of a model, beside its hyperparameters.
FAMILY = "family"
FEATURES = "features"  # the name of the feature set, where feature sets are searched

# Metrics beside the scores: of the run of a model, and of preprocess.
FIT_SECONDS = "fit_seconds"
MODEL_BYTES = "model_bytes"
CHECK_WARNINGS = "check_warnings"
ROWS, ROWS_READ, ROWS_DROPPED = "rows", "rows_read", "rows_dropped"  # <split>_ stands before

# Of register, and of the workflow: the winner against the baseline on test.
IMPROVEMENT = "baseline_improvement"  # the share of the baseline's loss that it spares
IMPROVEMENT_BOUND = "baseline_improvement_at_least"  # the same, with 99 % confidence
INTERVAL_COVERAGE = "interval_coverage"  # the share of test rows that intervals of 0.9 hold
INTERVAL_WIDTH = "interval_width"  # how wide these are, or how many classes their sets have
P_VALUE = "baseline_p_value"  # one-sided, of its being no better
# Of register and promote, and of the workflow: the version against the champion.
CHAMPION_IMPROVEMENT = "champion_improvement"  # the share of the champion's loss that it spares
CHAMPION_IMPROVEMENT_BOUND = "champion_improvement_at_least"  # the same, with 95 % confidence

# Of monitor, and of the model, with the new rows as its dataset; scores begin so too.
MONITOR = "monitor_"
MONITOR_ROWS = f"{MONITOR}rows"
MONITOR_DRIFT = f"{MONITOR}drift"  # the largest population stability index
MONITOR_AUC = f"{MONITOR}domain_auc"  # how well new rows can be told from training rows
MONITOR_ESTIMATED = f"{MONITOR}estimated_"  # begins what is estimated without labels

# Artifacts of preprocess.
SPLITS_FOLDER = "splits"
ROW_COUNTS = "rows.json"  # by split: how many rows were read, kept, and dropped for which reason
CHECKS = "checks.csv"
PROFILE = "profile.json"
# Of a family's run below train, and of the trials that are kept.
LOGGED_MODEL = "model"
RAW_COLUMNS = "raw_columns"  # in the model's metadata and in winner.json: DuckDB types by name
ESTIMATOR = "estimator.html"
PLOTS_FOLDER = "plots"  # with the seven below, each as far as it fits the task
FEATURE_IMPORTANCE = "feature_importance.png"
PREDICTED_VS_ACTUAL, RESIDUALS = "predicted_vs_actual.png", "residuals.png"
CONFUSION_MATRIX, CALIBRATION = "confusion_matrix.png", "calibration.png"
ROC, PRECISION_RECALL = "roc.png", "precision_recall.png"
# Of hpo, and how the names of its trials begin.
TRIALS = "trials.csv"
BEST = "best.json"
SEARCH_IMPORTANCE = "hyperparameter_importance.csv"
TRIAL_PREFIX = "trial-"
# Of register.
LEADERBOARD = "leaderboard.csv"
PREDICTIONS = "predictions.parquet"
WINNER = "winner.json"
# Of predict.
OUTPUT_TAG = "workflow.output"  # stands for the content of the file that was written
ROWS_INVALID = "rows_invalid"  # rows that could not be scored
PREDICTION_MEAN, TEST_PREDICTION_MEAN = "prediction_mean", "test_prediction_mean"
# Of reproduce.
REPRODUCTION = "reproduction.json"
INTERVALS = "intervals"  # in winner.json: residuals, and what intervals of them hold on test
RESIDUALS_OF_FOLDS = "residuals.json"  # of a model's run that was judged by folds
# Of register and of promote.
COMPARISON = "comparison.json"  # whether the version was promoted, and by what test
COMPARISON_PLOT = "comparison.png"
HISTORY = "history.csv"  # of promote alone: which version was champion when
# Of every finished step, and of a workflow.
RECORD = "step.json"  # what its result depends on, and what came out
REPORT = "report.html"
# Of monitor.
MONITOR_REPORT, MONITOR_RESULT = "monitor.html", "monitor.json"

# The model registry. A version has tags: these, its scores, and digests as preprocess has them.
VERSION_RUN, VERSION_SPLITS, VERSION_COMMIT = "run_id", "splits", "git_commit"
VERSION_REGISTER = "register_run"  # the id of the run that has made the version
VERSION_FAMILY = "family"
VERSION_MONITOR = "monitor"  # the verdict of the last look at it, and the reason
# Of one that was promoted: when and by whom, instead of which version, why; and when it was rolled
# back from. Those of earlier promotions of the same version are in a JSON list.
PROMOTED_AT, PROMOTED_BY, REPLACED = "promoted_at", "promoted_by", "replaced"
PROMOTION_REASON, ROLLED_BACK_AT = "reason", "rolled_back_at"
EARLIER_PROMOTIONS = "earlier_promotions"
ALIAS = "champion"  # the version that serves
CHALLENGER = "challenger"  # the newest that was made to serve
TAKES_RAW_ROWS = "Takes raw rows."  # ends register's description of a version; a workflow says more
