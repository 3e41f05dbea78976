"""Models to custom resource definitions, reference pages and the word `hookgate crd`."""
