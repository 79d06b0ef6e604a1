//! What a run shows in the tree of members that have no process, or not their first: see
//! [`Board`](crate::process::Board).
//!
//! The change of a member's stage is followed by one of these calls.

use super::run::Run;
use super::stage::{Rest, Stage};
use super::timers::Owner;
use crate::process::last_exit::LastExit;
use crate::process::{Board, Row, Standing};
use crate::sync::Arc;

impl Run<'_> {
    /// It is waiting for its start, or down, or has been started.
    pub(super) fn show(&self, index: usize) {
        let Some(host) = &self.host else { return };
        let slot = &self.slots.all[index];
        let last_exit = slot.run.last_exit.as_ref();
        let standing = match &slot.stage {
            Stage::Home(home) => match home.rest {
                Rest::Waiting | Rest::Joining(_) => Some(Standing::Waiting {
                    since: self.clock.now(),
                }),
                Rest::Down => Some(Standing::Down {
                    since: last_exit.map_or_else(|| self.clock.now(), LastExit::at),
                    next_try: match &self.restarting.round {
                        Some(round) if slot.run.in_round => round.resume_at,
                        _ => self.timers.when(Owner::Member(index)),
                    },
                }),
                Rest::Done | Rest::Terminated => None,
            },
            Stage::Live(_) => {
                let has_failed = last_exit.is_some_and(LastExit::is_err);
                (has_failed || slot.run.restarts > 0).then_some(Standing::Up)
            }
            Stage::Abandoned(_) => None,
        };
        match standing {
            None => self.hide(index),
            Some(standing) => host.board().show(
                slot.rank,
                Row {
                    name: Arc::clone(&slot.name),
                    standing,
                    restarts: slot.run.restarts,
                    last_exit: last_exit.cloned(),
                },
            ),
        }
    }

    /// Where members start one by one, they are seen to wait. All at once, none waits for long.
    pub(super) fn show_all(&self) {
        if self.starting.is_one_by_one() {
            self.slots.order.iter().for_each(|index| self.show(*index));
        }
    }

    /// There is nothing to show of it but its process, if it has one.
    pub(super) fn hide(&self, index: usize) {
        let rank = self.slots.all[index].rank;
        self.on_board(|board| board.hide(rank));
    }

    /// No member is going to be started any more.
    pub(super) fn show_living_only(&self) {
        self.on_board(Board::show_living_only);
    }

    /// The run is over.
    pub(super) fn show_nothing(&self) {
        self.on_board(Board::clear);
    }

    fn on_board(&self, change: impl FnOnce(&Board)) {
        let host = self.host.as_ref();
        if let Some(board) = host.and_then(|host| host.board_if_any()) {
            change(board);
        }
    }
}
