"""Measures of edited images: judges, feature distances, accuracy, leakage, preservation, counterfactual truth."""
