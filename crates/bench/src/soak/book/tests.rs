//! Each promise is kept by a client that works, and found broken by one that does not.

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const LIFE: Duration = Duration::from_secs(100);
const REGULAR: u32 = 0;
const VISITOR: u32 = 1;

/// A book, and when its test began.
struct Account {
    book: Book,
    findings: Arc<Findings>,
    start: Instant,
}

impl Account {
    fn new() -> Self {
        let findings = Arc::new(Findings::new());
        let book = Book::new(1, 1, SECOND * 2, Arc::clone(&findings));
        Self { book, findings, start: Instant::now() }
    }

    fn at(&self, seconds: f64) -> Instant {
        self.start + Duration::from_secs_f64(seconds)
    }

    fn call(&self, tenant: u32, seconds: f64) -> Call {
        Call { tenant, began: self.at(seconds) }
    }

    fn request(&self, tenant: u32, seconds: f64) -> Request {
        self.book.arrived(tenant, self.at(seconds)).unwrap()
    }

    /// A request that is answered at once, and its token.
    fn fetch(&self, tenant: u32, seconds: f64) -> String {
        let request = self.request(tenant, seconds);
        let token = self.book.issued(request, LIFE, self.at(seconds));
        self.book.ended(request);
        self.book.sent(request, self.at(seconds));
        token
    }

    fn serve(&self, tenant: u32, token: &str, seconds: f64) {
        self.book.served(self.call(tenant, seconds), token, self.at(seconds));
    }

    fn fail(&self, tenant: u32, seconds: f64) {
        self.book.failed(self.call(tenant, seconds), "no token");
    }

    #[track_caller]
    fn assert_kept(&self) {
        for promise in Promise::ALL {
            let broken = self.findings.against(promise);
            assert_eq!(broken.times, 0, "{promise:?}: {:?}", broken.examples);
        }
    }

    /// Checks that this promise was broken once, and no other.
    #[track_caller]
    fn assert_broken(&self, only: Promise) {
        for promise in Promise::ALL {
            let broken = self.findings.against(promise);
            assert_eq!(broken.times, u64::from(promise == only), "{promise:?}: {:?}", broken.examples);
        }
    }
}

#[test]
fn a_client_that_renews_and_serves_in_time_keeps_all_promises() {
    let account = Account::new();
    for seconds in [0.0, 80.0, 170.0] {
        let token = account.fetch(REGULAR, seconds);
        account.serve(REGULAR, &token, seconds);
        account.serve(REGULAR, &token, seconds + 99.0);
    }
    account.assert_kept();
    assert_eq!(account.book.totals(), (3, 3));
}

#[test]
fn a_call_that_fails_while_a_token_is_valid_is_found() {
    for (seconds, is_broken) in [(0.5, false), (1.5, true), (93.5, true), (94.5, false), (200.0, false)] {
        let account = Account::new();
        account.fetch(REGULAR, 0.0);
        account.fail(REGULAR, seconds);
        if is_broken { account.assert_broken(Promise::ServesValidTokens) } else { account.assert_kept() }
    }
}

#[test]
fn a_call_may_fail_if_the_token_came_late_or_not_at_all() {
    let account = Account::new();
    account.fail(REGULAR, 0.0);
    let request = account.request(REGULAR, 0.0);
    account.book.issued(request, LIFE, account.at(0.0));
    account.fail(REGULAR, 5.0);
    account.book.ended(request);
    account.book.sent(request, account.at(1.5));
    account.fail(REGULAR, 5.0);
    account.assert_kept();
}

#[test]
fn a_token_that_a_call_got_is_held_from_then_on_however_late_it_came() {
    let account = Account::new();
    let request = account.request(REGULAR, 0.0);
    let token = account.book.issued(request, LIFE, account.at(0.0));
    account.serve(REGULAR, &token, 1.9);
    account.fail(REGULAR, 1.8);
    account.assert_kept();
    account.fail(REGULAR, 2.0);
    account.assert_broken(Promise::ServesValidTokens);
}

#[test]
fn the_client_counts_a_life_from_the_request_and_the_server_from_its_response() {
    let account = Account::new();
    let request = account.request(REGULAR, 0.0);
    let token = account.book.issued(request, LIFE, account.at(5.0));
    account.book.ended(request);
    account.serve(REGULAR, &token, 5.0);
    account.fail(REGULAR, 94.5);
    account.fetch(REGULAR, 79.5);
    account.serve(REGULAR, &token, 104.9);
    account.assert_kept();
    account.serve(REGULAR, &token, 105.0);
    account.assert_broken(Promise::ServesNoExpiredToken);
}

#[test]
fn a_renewal_that_came_late_leaves_the_earlier_token_valid() {
    let account = Account::new();
    account.fetch(REGULAR, 0.0);
    let renewal = account.request(REGULAR, 85.0);
    account.book.issued(renewal, LIFE, account.at(85.0));
    account.fail(REGULAR, 90.0);
    account.assert_broken(Promise::ServesValidTokens);
}

#[test]
fn an_expired_token_is_found() {
    let account = Account::new();
    let token = account.fetch(REGULAR, 0.0);
    account.serve(REGULAR, &token, 99.9);
    account.assert_kept();
    account.serve(REGULAR, &token, 100.0);
    account.assert_broken(Promise::ServesNoExpiredToken);
}

#[test]
fn a_token_that_expired_long_ago_is_found_although_it_is_forgotten() {
    let account = Account::new();
    let token = account.fetch(REGULAR, 0.0);
    account.fetch(REGULAR, 150.0);
    account.serve(REGULAR, &token, 150.0);
    account.assert_broken(Promise::ServesNoExpiredToken);
}

#[test]
fn a_rejected_token_is_found_if_the_call_began_after_the_rejection() {
    let account = Account::new();
    let token = account.fetch(REGULAR, 0.0);
    account.book.rejected(&token, || account.at(10.0));
    account.book.served(account.call(REGULAR, 9.9), &token, account.at(10.1));
    account.assert_kept();
    account.serve(REGULAR, &token, 10.1);
    account.assert_broken(Promise::ServesNoRejectedToken);
}

#[test]
fn a_rejected_token_may_be_replaced_and_missed() {
    let account = Account::new();
    let token = account.fetch(REGULAR, 0.0);
    account.book.rejected(&token, || {
        account.fail(REGULAR, 10.0);
        account.fetch(REGULAR, 10.0);
        account.at(10.0)
    });
    account.assert_kept();
}

#[test]
fn another_tenants_token_and_one_that_nobody_issued_are_found() {
    for forged in [None, Some("made up"), Some("0.x."), Some("")] {
        let account = Account::new();
        let token = account.fetch(VISITOR, 0.0);
        account.serve(REGULAR, forged.unwrap_or(&token), 1.0);
        account.assert_broken(Promise::KeepsTenantsApart);
    }
}

#[test]
fn two_requests_at_once_are_found_for_a_visitor_too() {
    for tenant in [REGULAR, VISITOR] {
        let account = Account::new();
        account.request(tenant, 0.0);
        account.request(tenant, 1.4);
        account.assert_broken(Promise::SendsOneRequestAtOnce);
    }
}

#[test]
fn a_request_that_the_client_has_given_up_on_is_no_longer_open() {
    let account = Account::new();
    let earlier = account.request(REGULAR, 0.0);
    account.request(REGULAR, 1.6);
    account.assert_kept();
    // The end of the earlier one does not end the later one.
    account.book.ended(earlier);
    account.request(REGULAR, 2.0);
    account.assert_broken(Promise::SendsOneRequestAtOnce);
}

#[test]
fn a_request_before_80_percent_of_a_life_is_found() {
    for (seconds, is_broken) in [(1.5, true), (78.5, true), (79.5, false), (120.0, false)] {
        let account = Account::new();
        account.fetch(REGULAR, 0.0);
        account.fetch(REGULAR, seconds);
        if is_broken { account.assert_broken(Promise::SendsNoNeedlessRequest) } else { account.assert_kept() }
    }
}

#[test]
fn a_visitor_whose_source_was_dropped_may_send_requests_and_fail() {
    let account = Account::new();
    for seconds in [0.0, 10.0, 20.0] {
        let token = account.fetch(VISITOR, seconds);
        account.serve(VISITOR, &token, seconds);
        account.fail(VISITOR, seconds + 5.0);
    }
    account.assert_kept();
}

#[test]
fn a_request_in_a_pause_of_its_tenant_is_found() {
    for (tenant, seconds, is_broken) in [
        (REGULAR, 0.9, false),
        (REGULAR, 1.1, true),
        (REGULAR, 1.9, true),
        (REGULAR, 2.0, false),
        (VISITOR, 1.5, false),
    ] {
        let account = Account::new();
        let request = account.request(REGULAR, 0.0);
        account.book.ended(request);
        account.book.paused(request, SECOND * 2, account.at(0.0));
        account.request(tenant, seconds);
        if is_broken { account.assert_broken(Promise::KeepsPauses) } else { account.assert_kept() }
    }
}

#[test]
fn a_request_in_a_pause_of_all_is_found_and_the_last_answer_decides_how_long_it_is() {
    let account = Account::new();
    account.book.paused_all(SECOND * 2, account.at(0.0));
    account.book.paused_all(SECOND * 2, account.at(0.3));
    account.request(VISITOR, 2.2);
    account.assert_broken(Promise::KeepsPauses);
    account.fetch(REGULAR, 2.3);
    account.assert_broken(Promise::KeepsPauses);
}

#[test]
fn a_request_at_the_end_of_a_pause_begins_another_one() {
    let account = Account::new();
    account.book.paused_all(SECOND * 2, account.at(0.0));
    account.fetch(VISITOR, 1.97);
    account.book.paused_all(SECOND * 2, account.at(1.97));
    account.fetch(REGULAR, 1.98);
    account.assert_kept();
    account.fetch(VISITOR, 3.0);
    account.assert_broken(Promise::KeepsPauses);
}

#[test]
fn a_tenant_that_does_not_exist_sends_no_request() {
    assert!(Account::new().book.arrived(2, Instant::now()).is_none());
}
