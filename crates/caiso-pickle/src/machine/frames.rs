//! Frames, which the unpickler written in Python enforces, the one written in C only since 3.13.15 and
//! 3.14.7 (cpython issue 154848).

use super::{Halt, Machine, Pending};
use crate::decode::Instruction;
use crate::event::{AcceptedBy, DifferenceKind};

impl Machine<'_> {
    /// An instruction ends after its frame does: either the frame was used up, or one of the
    /// instruction's reads goes beyond it.
    #[cold]
    pub(super) fn cross_frame(&mut self, instruction: &Instruction) {
        let frame = self.frame_end;
        self.frame_end = usize::MAX;
        if instruction.start >= frame {
            return;
        }
        // One read for the opcode, one for a fixed argument or length, one for each line or payload.
        let argument = instruction.start.saturating_add(1);
        let mut edges = [argument, instruction.end, instruction.end];
        if let Some(middle) = edges.get_mut(1) {
            if instruction.body > argument {
                *middle = instruction.body;
            } else if matches!(instruction.code, crate::opcode::GLOBAL | crate::opcode::INST) {
                *middle =
                    usize::try_from(instruction.number).unwrap_or(usize::MAX).saturating_add(1);
            }
        }
        if edges.contains(&frame) {
            return;
        }
        let span = instruction.start..instruction.end;
        self.difference(span, DifferenceKind::FrameStraddled, AcceptedBy::C);
        // Reading a file, older versions drop the rest of the frame and take the argument from after it.
        self.pending.push(Pending {
            range: frame..instruction.end,
            bytes: None,
            depth: self.depth,
            search: true,
        });
    }

    pub(super) fn frame(&mut self, instruction: &Instruction) -> Result<(), Halt> {
        let span = instruction.start..instruction.end;
        let length = instruction.number;
        if length == i64::MAX {
            return Err(Halt::Refused("the frame is too long"));
        }
        if self.frame_end != usize::MAX && instruction.end < self.frame_end {
            self.difference(span.clone(), DifferenceKind::FrameNested, AcceptedBy::C);
        }
        let left = self.decoder.left(instruction.end);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > left {
            self.difference(span, DifferenceKind::FrameTooLong, AcceptedBy::Python);
        }
        self.frame_end = instruction.end.saturating_add(length.min(left));
        Ok(())
    }
}
