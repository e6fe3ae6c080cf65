//! The model under attack: decisions on valid inputs, gradients, and what they cost.

use caiso_core::RunContext;
use caiso_inference::{Model, Session};

use crate::RobustnessError;

/// Where the gradients of an attack come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Gradients {
    /// From the model itself.
    Own,
    /// From another model that the attacker knows.
    Surrogate,
    /// From differences of scores at pairs of points (natural evolution strategies; Ilyas et al. 2018,
    /// <https://arxiv.org/abs/1804.08598>).
    Estimated {
        /// Pairs for each gradient.
        pairs: u32,
        /// Standard deviation of the points, in units of distance.
        deviation: f32,
    },
}

/// A model as one thread attacks it.
pub(crate) struct Oracle<'m> {
    pub(crate) model: &'m dyn Model,
    /// The model's own session, if it has gradients.
    own: Option<Box<dyn Session + 'm>>,
    surrogate: Option<Box<dyn Session + 'm>>,
    pub(crate) gradients: Gradients,
    pub(crate) context: &'m RunContext,
}

impl<'m> Oracle<'m> {
    pub(crate) fn new(
        model: &'m dyn Model,
        surrogate: Option<&'m dyn Model>,
        context: &'m RunContext,
    ) -> Self {
        let session = |model: &'m dyn Model| Some(model.differentiable()?.session());
        let surrogate = surrogate.and_then(session);
        Self { model, own: session(model), surrogate, gradients: Gradients::Own, context }
    }

    pub(crate) fn has_surrogate(&self) -> bool {
        self.surrogate.is_some()
    }

    /// Logits of the model under attack for `rows` in its own units, written to `logits`.
    pub(crate) fn ask(
        &mut self,
        rows: &[f32],
        logits: &mut Vec<f32>,
    ) -> Result<(), RobustnessError> {
        self.context.proceed()?;
        logits.clear();
        if let Some(session) = &mut self.own {
            // However many points an attack asks for at once, the session's buffers stay small.
            for part in rows.chunks(self.model.chunk_rows() * self.model.features()) {
                session.forward(part)?;
                logits.extend_from_slice(session.outputs().0);
            }
        } else {
            *logits = self.model.logits(rows)?;
        }
        Ok(())
    }

    /// The session that gradients are taken from: the model's own or the surrogate's.
    pub(crate) fn session(
        &mut self,
        attack: &'static str,
    ) -> Result<&mut (dyn Session + 'm), RobustnessError> {
        self.context.proceed()?;
        let (session, needed) = match self.gradients {
            Gradients::Surrogate => (&mut self.surrogate, "a surrogate with gradients"),
            Gradients::Own | Gradients::Estimated { .. } => (&mut self.own, "gradients"),
        };
        let given = match self.model.access() {
            caiso_inference::Access::Labels => "labels only",
            caiso_inference::Access::Scores => "scores only",
            caiso_inference::Access::Gradients => "no surrogate",
        };
        match session {
            Some(session) => Ok(session.as_mut()),
            None => Err(RobustnessError::Access { attack, needed, given }),
        }
    }
}
