//! Pull requests on the model of GitHub.
