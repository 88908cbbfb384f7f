"""How far a model that is judged by folds was from the truth, kept for intervals."""

from dataclasses import asdict

import mlflow

from workflow.evaluation import conformal
from workflow.evaluation.conformal import Residuals
from workflow.tracking import names
from workflow.training.trainer import Fitted, Trainer


def log_residuals(trainer: Trainer, fitted: Fitted) -> None:
    """Log to the active run how far predictions were from the truth in the rows folds left out.

    Of a holdout nothing is logged: there the final model itself can be asked, at any time.
    """
    if not trainer.data.plan.is_holdout:
        values = conformal.residuals(trainer.data.y_judged, fitted.predictions)
        mlflow.log_dict(asdict(Residuals.of(values)), names.RESIDUALS_OF_FOLDS)
