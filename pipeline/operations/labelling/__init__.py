"""What to label next: unlabelled examples, the models that judge them, the choice, and what a person gets to fill in.

May import the floors below, operations.predict, operations.predicting.photos, operations.predicting.rows,
operations.retraining.contenders, operations.retraining.intake.incoming and
operations.retraining.intake.labelled_photos.
"""
