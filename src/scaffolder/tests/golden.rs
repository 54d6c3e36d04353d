//! What a run says is what Backstage says.
