//! People and tokens among the live things.

use super::State;
use crate::{
    access::{self, Person, Token},
    event::{Meta, Stream},
    id::{PersonId, TokenId},
};

impl State {
    pub(super) fn restore_person(&mut self, person: Person) -> Stream {
        let id = person.id;
        self.people.insert(id, person);
        Stream::Person(id)
    }

    pub(super) fn restore_token(&mut self, token: Token) -> Stream {
        let id = token.id;
        self.tokens.insert(id, token);
        Stream::Token(id)
    }

    pub(super) fn apply_person(&mut self, id: PersonId, event: &access::PersonEvent, meta: &Meta) -> u64 {
        match self.people.get_mut(&id) {
            Some(person) => access::apply_person(person, event),
            None => {
                let created = access::create_person(id, event, meta);
                self.people.extend(created.map(|person| (id, person)));
                // Routines come round from when there is somebody.
                self.schedule(Stream::Upkeep);
            }
        }
        self.people.get(&id).map_or(0, |person| person.seq)
    }

    pub(super) fn apply_token(&mut self, id: TokenId, event: &access::TokenEvent, meta: &Meta) -> u64 {
        match self.tokens.get_mut(&id) {
            Some(token) => access::apply_token(token, event),
            None => {
                let created = access::token_from(id, event, meta);
                self.tokens.extend(created.map(|token| (id, token)));
            }
        }
        self.tokens.get(&id).map_or(0, |token| token.seq)
    }
}
