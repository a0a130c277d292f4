"""Which pages `screens.py` takes, and what was looked at besides."""

from __future__ import annotations

from dataclasses import dataclass

RESIDENT = "resident"


@dataclass(frozen=True)
class Shot:
    """One page.

    Attributes:
        name: of the file. who: demo account, `resident`, or empty for anybody.
        path: where to begin; follow: links to go on by (CSS; the first that matches), one after the other.
        caption: one English line. sizes: of `desk`, `phone`, `large` (a phone in large type).
        search: words typed into the one search box, where the page is found by it.
        late: taken of the demo after its replayed years are over; so is every page of their own accounts.
        press: a button pressed first, where it is there.
    """

    name: str
    who: str
    path: str
    caption: str
    follow: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ("desk",)
    search: str = ""
    late: bool = False
    press: str = ""

    @property
    def after_the_year(self) -> bool:
        """Whether it is taken of the later demo."""
        return self.late or self.who.startswith("y")


GROUPS: tuple[tuple[str, tuple[Shot, ...]], ...] = (
    ("A resident's phone", (
        Shot("my-home", "", "/my/", "The start: look something up, do something, or call.", sizes=("phone", "large")),
        Shot("my-policies", "", "/my/policies/", "What there is, for whom, how much here.", sizes=("phone",)),
        Shot("my-policy", "", "/my/policies/dibao/", "One programme in plain words, with its source.", sizes=("phone",)),
        Shot("my-calculator", "", "/my/calculator/", "What one might get, before anybody is told a name.", sizes=("phone", "large")),
        Shot("my-sign-in", "", "/my/sign-in/", "In by name, number and a code.", sizes=("phone", "large")),
        Shot("my-progress", RESIDENT, "/my/progress/", "Where my application stands, who has it, until when.", sizes=("phone", "large")),
        Shot("my-decision", RESIDENT, "/my/decisions/", "The decision, how the amount comes about, how to object.", ("main a[href*='/my/decision/']",), ("phone", "large")),
        Shot("my-payments", RESIDENT, "/my/payments/", "What was paid, month by month.", sizes=("phone",)),
        Shot("my-data", RESIDENT, "/my/data/", "Who looked at my data, when and why.", sizes=("phone", "large")),
        Shot("my-notices", RESIDENT, "/my/notices/", "Notices about my family and from my village.", sizes=("phone",)),
        Shot("my-apply", RESIDENT, "/my/apply/", "Applications begun and sent, and a new one.", sizes=("phone", "large")),
        Shot("my-complaints", RESIDENT, "/my/complaints/", "Complaints and how they were answered.", sizes=("phone",)),
        Shot("my-appeals", RESIDENT, "/my/appeals/", "Appeals against a decision.", sizes=("phone",)),
        Shot("my-messages", RESIDENT, "/my/messages/", "What I was told, and how I want to be told.", sizes=("phone",)),
        Shot("my-ratings", RESIDENT, "/my/ratings/", "How the service was (好差评).", sizes=("phone",)),
    )),
    ("The counter", (
        Shot("sign-in", "", "/login/", "Staff sign in.", sizes=("desk", "phone")),
        Shot("workbench", "jiedao-sl", "/", "First page of a counter: what waits, what is late, what came in.", sizes=("desk", "phone")),
        Shot("menu", "jiedao-sl", "/#menu", "The menu on a phone: groups, with what waits in each.", sizes=("phone",)),
        Shot("door", "jiedao-sl", "/needs/", "One door: calls, visits, referrals, discoveries, phones in one queue.", sizes=("desk", "phone")),
        Shot("need", "jiedao-sl", "/needs/?from=need", "One visit: needs, likely programmes, what is missing.", ("main a.whole",), ("desk", "phone")),
        Shot("tickets", "jiedao-sl", "/tickets/", "Calls to the hotline.", sizes=("desk",)),
        Shot("ticket", "jiedao-sl", "/tickets/?show=all", "One call and what became of it.", ("main a.whole",)),
        Shot("family-new", "jiedao-sl", "/families/new/", "A family nobody knows yet."),
        Shot("online", "jiedao-sl", "/online/?show=all", "Applications sent from phones.", sizes=("desk", "phone")),
        Shot("online-one", "jiedao-sl", "/online/?show=all", "One of them: answers, signature, three ways to answer it.", ("main a.whole",)),
        Shot("help-others", "jiedao-sl", "/online/help/", "Applying on somebody's behalf (代办)."),
        Shot("cases", "jiedao-sl", "/cases/?tab=all", "Cases: narrowed, sorted, taken out, done in batches.", sizes=("desk", "phone")),
        Shot("case", "jiedao-sh", "/cases/?tab=all", "One case: steps, limits, who may do what next.", ("main a.whole",), ("desk", "phone")),
        Shot("case-papers", "jiedao-sh", "/cases/?tab=all", "The papers of a case, in the order offices keep them.", ("main a.whole", "main a[href^='/papers/cases/']")),
        Shot("family", "jiedao-sl", "/families/", "A family: facts with their sources, the decision as a tree, clause by clause.", ("main a.whole",), ("desk", "phone"), "王"),
        Shot("emergencies", "jiedao-sl", "/emergencies/", "Emergencies by the hour.", sizes=("desk", "phone")),
        Shot("emergency", "jiedao-sl", "/emergencies/?show=ended", "Relief first, papers after.", ("main a.whole",), ("desk", "phone")),
        Shot("patrols", "jiedao-sl", "/patrols/", "Patrols: coverage, what was found, what is overdue."),
        Shot("patrol-report", "jiedao-sl", "/patrols/report/", "Reporting a family in need."),
        Shot("emergency-new", "jiedao-sl", "/emergencies/new/", "An emergency reported."),
        Shot("at-risk", "jiedao-sl", "/patrols/at-risk/", "The list of persons at risk, and taking one off it.", sizes=("desk", "phone")),
        Shot("patrol-mine", "wg-420802001001", "/patrols/mine/", "A grid worker's visits on his phone.", sizes=("phone",)),
        Shot("self-cares", "dongbao-hd", "/self-care/", "Self-care assessments."),
        Shot("late-papers", "jiedao-sl", "/late-papers/", "Papers of emergencies that are late, and what becomes of them."),
        Shot("tellings", "jiedao-sl", "/tellings/", "Who has to be told something by hand, since no message may reach him."),
    )),
    ("In the village", (
        Shot("field", "jiedao-rh", "/field/", "Visits to make, also without a signal.", sizes=("phone",)),
        Shot("board", "jiedao-sl", "/notices/", "Public notices: what hangs where, until when."),
        Shot("notice", "jiedao-sl", "/notices/", "One notice, with the allowed fields only.", ("main a.whole",)),
    )),
    ("The county", (
        Shot("workbench-county", "dongbao-hd", "/", "First page of a county reviewer."),
        Shot("checks", "dongbao-hc", "/checks/", "Checks of means with the departments."),
        Shot("check-report", "dongbao-hc", "/checks/", "One check: each department, its answer, the differences.", ("main a.whole",)),
        Shot("reviews-due", "dongbao-hd", "/reviews-due/", "Periodic reviews, by class and interval.", sizes=("desk", "phone")),
        Shot("changes", "dongbao-hd", "/changes/?show=closed", "Changes families reported."),
        Shot("roll-notices", "dongbao-hd", "/roll-notices/", "Written notices of changes, and their delivery."),
        Shot("deaths", "dongbao-hd", "/deaths/?show=all", "Deaths and what becomes of the family's amount."),
        Shot("moves", "dongbao-hd", "/moves/?show=done", "Moves to another town or county, with the file."),
        Shot("end-notices", "dongbao-hd", "/end-notices/", "Notices before help ends."),
        Shot("kin", "dongbao-hd", "/kin/", "Relatives of officials, filed."),
        Shot("watch", "dongbao-xs", "/watch/", "Families cut off, looked after for a while."),
        Shot("classes-places", "dongbao-hd", "/classes/places/", "Five classes by place."),
        Shot("third-visits", "lantian-1", "/own-checks/", "A third party's own tasks."),
        Shot("exits", "dongbao-hd", "/exits/", "Gradual exits, month by month."),
        Shot("of-age", "dongbao-hd", "/of-age/", "Children who come of age."),
        Shot("pushes", "dongbao-hd", "/pushes/", "Lists given to other departments."),
        Shot("job-refusals", "dongbao-hd", "/job-refusals/?show=all", "Jobs offered and refused."),
        Shot("person-files", "dongbao-hd", "/person-files/", "Tekun and children: one person, one file."),
        Shot("classes", "dongbao-hd", "/classes/?show=confirmed", "Five classes in three layers (五类三层)."),
        Shot("corrections", "dongbao-hd", "/corrections/?show=all", "Filed decisions a spot check found otherwise."),
        Shot("spot-checks", "dongbao-hd", "/spot-checks/", "Spot checks drawn by a seed anybody can repeat."),
        Shot("exports", "dongbao-hd", "/exports/", "Rosters and ledgers taken out, above a limit by two people."),
        Shot("clues", "dongbao-xs", "/clues/", "The clue ledger, from finding to close-out."),
        Shot("change-one", "dongbao-hd", "/changes/?show=closed", "One reported change.", ("main a.whole",)),
        Shot("review-one", "dongbao-hd", "/reviews-due/", "One periodic review.", ("main a.whole",)),
        Shot("end-notice", "dongbao-hd", "/end-notices/", "One notice before help ends.", ("main a.whole",)),
        Shot("death-one", "dongbao-hd", "/deaths/?show=all", "One death.", ("main a.whole",)),
        Shot("person-file", "dongbao-hd", "/person-files/", "One person's file.", ("main a.whole",)),
        Shot("push-one", "dongbao-hd", "/pushes/", "One list given.", ("main a.whole",)),
        Shot("clue", "dongbao-xs", "/clues/?tab=all", "One clue: register against statement, days, locked deeds.", ("main a.whole",), ("desk", "phone")),
        Shot("warnings", "dongbao-hc", "/warnings/", "Early warnings and their receipts."),
    )),
    ("Money", (
        Shot("runs", "y17-jd", "/runs/", "Months: one run for each month, place and programme, with its state."),
        Shot("run-prepare", "shi-bzf", "/runs/", "Opening a month, for who prepares payments.", late=True),
        Shot("monthly-run", "y17-jd", "/runs/", "One month's cycle: five stations, difference by cause, whose the next step is.", ("main a.whole",), ("desk", "phone")),
        Shot("run-large", "shi-bzf", "/runs/", "A month of a whole prefecture: 43,679 families, six causes, files to the banks.", ("main a.whole",)),
        Shot("run-changes", "y17-jd", "/runs/", "The difference, family by family, with its cause.", ("main a.whole", "main a[href*='/changes/']")),
        Shot("run-lines", "y17-jd", "/runs/", "The lines of a month.", ("main a.whole", "main a[href*='/lines/']")),
        Shot("run-accounts", "shi-yh", "/runs/", "Accounts asked of the bank before paying, by who sends.", ("main a.whole", "main a[href*='/accounts/']"), late=True),
        Shot("batch", "y17-jd", "/runs/", "One batch: messages with the bank, attempts, what may be taken back.", ("main a.whole", "main a[href*='/batches/']"), ("desk", "phone")),
        Shot("bank", "y17-jd", "/bank/", "The bank: how it is reached, what is not acknowledged, daily statements."),
        Shot("bank-statement", "y17-jd", "/bank/", "One statement, entry by entry against our books.", ("main a[href*='/bank/statements/']",)),
        Shot("bank-todo", "y17-jd", "/bank/todo/", "Exceptions in one queue: what the bank did and whose turn it is.", sizes=("desk", "phone")),
        Shot("claims", "y17-jd", "/claims/", "Overpayments, one claim each, and what is got back.", sizes=("desk", "phone")),
        Shot("claim", "y17-jd", "/claims/", "One claim: how it came about, two people, kept back month by month.", ("main a.whole",)),
        Shot("fixed", "shi-bzf", "/fixed-amounts/", "Fixed amounts of another department (family planning): its list, read and checked by two people.", late=True),
        Shot("family-paid", "y17-jd", "/bank/todo/", "A family's months: what was paid, back pay, kept back, failed and sent again.", ("main a[href^='/families/']",)),
        Shot("imports", "shi-dr", "/imports/", "Rosters of offices, read with a preview."),
        Shot("hand-over", "shi-yj", "/hand-over/", "Payment rows handed over to another body, by two people."),
    )),
    ("Funds", (
        Shot("funds", "y17-jd", "/funds/?month=2017-12", "Fund board: what each fund has, holds, has paid, and what the next month needs.", sizes=("desk", "phone")),
        Shot("funds-empty", "dongbao-zj", "/funds/", "The board of a county that keeps no fund here yet.", late=True),
        Shot("fund-papers", "y17-jd", "/funds/papers/?show=all", "Papers that move money: appropriation, plan, transfer, carried over, handed back."),
        Shot("fund-paper", "y17-jd", "/funds/papers/?show=all", "One paper: who wrote it, who approved it, its entry.", ("main a.whole",)),
        Shot("fund-paper-new", "dongbao-zj", "/funds/papers/new/", "A new paper, for who keeps the funds.", late=True),
        Shot("fund-entries", "y17-jd", "/funds/entries/", "The ledger, entry by entry."),
        Shot("fund-entry", "y17-jd", "/funds/entries/", "One entry: both sides, seal, what it was booked for.", ("main a.whole",)),
        Shot("fund-year", "y17-jd", "/funds/year/2017/?place=4299Z1", "The year settled: appropriated and moved against paid and left.", sizes=("desk", "phone")),
        Shot("public-funds", "y17-jd", "/funds/public/?place=4299Z1", "Public funds and what each may be used for."),
        Shot("ledger-checks", "y17-jd", "/ledger-checks/", "What must hold in the ledger, checked.", press="现在校验"),
        Shot("petty", "y17-jd", "/petty/", "Petty cash of a town: counted, paid at once, papers after.", sizes=("desk", "phone")),
        Shot("petty-list", "dongbao-zj", "/petty/", "Petty cash of the towns, for the county.", late=True),
        Shot("hospitals", "y17-jd", "/hospitals/", "Hospitals with an agreement: advance, unsettled bills."),
        Shot("hospital", "y17-jd", "/hospitals/", "One hospital: bills, clearings, what it owes or is owed.", ("main a.whole",)),
        Shot("hospital-month", "y17-jd", "/hospitals/", "One month of a hospital, cleared by two people.", ("main a.whole", "main tbody a[href*='/2017']")),
        Shot("hospital-bills", "y17-jd", "/hospitals/", "A file of bills, each judged again by the rules.", ("main a.whole", "main a[href*='/hospitals/bills/']")),
        Shot("hospital-bill", "y17-jd", "/hospitals/", "One bill: its parts, the rule and its clauses.", ("main a.whole", "main tbody a[href*='/2017']", "main a[href*='/hospitals/bill/']")),
        Shot("hospital-new", "dongbao-zj", "/hospitals/new/", "A new agreement, for who keeps the funds.", late=True),
        Shot("premiums", "y17-jd", "/premiums/", "Premiums paid for the insured (资助参保): one list a year and class."),
        Shot("premium", "y17-jd", "/premiums/", "One list: whom the rules name, the sum, the collector's answer.", ("main a.whole",)),
        Shot("emergency-fund", "y17-jd", "/emergency-fund/", "Emergency treatment of people nobody knows (疾病应急救助)."),
        Shot("emergency-case", "y17-jd", "/emergency-fund/", "One request of a hospital, its evidence, what came back.", ("main a.whole",)),
        Shot("orders", "y17-jd", "/orders/?show=all", "Orders to pay hospitals and other bodies, and where each stands."),
        Shot("order", "y17-jd", "/orders/?show=all", "One order: what it pays, its stations, its entries.", ("main a.whole",)),
        Shot("order-batch", "y17-jd", "/orders/?show=all", "A file of orders to the bank.", ("main a.whole", "main a[href*='/orders/batches/']")),
        Shot("payees", "y17-jd", "/payees/", "Accounts of bodies, entered by one and confirmed by another."),
    )),
    ("Oversight", (
        Shot("sources", "shi-bd", "/sources/", "Registers: agreement, age, coverage."),
        Shot("sweeps", "shi-bd", "/sweeps/", "Sweeps of the whole roll."),
        Shot("tuning", "dongbao-xs", "/clues/tuning/", "How each rule does, and its limits."),
        Shot("returned", "shi-bd", "/returned/", "Clues that came back from the discipline body."),
        Shot("sweep", "shi-bd", "/sweeps/", "A sweep of the whole roll: what was compared, found, confirmed.", ("main tbody tr:last-child a.whole",)),
        Shot("supervision", "shi-dd", "/supervision/clues/", "Clues of a prefecture, county by county."),
        Shot("third-party", "shi-dd", "/third-party/", "The yearly check by a third party.", ("main a.whole",)),
        Shot("chain", "y17-jd", "/chain/?place=4299Z1&year=2017", "The whole chain (全过程监督): from appropriation to the family, station by station.", sizes=("desk", "phone")),
        Shot("chain-entries", "y17-jd", "/chain/?place=4299Z1&year=2017", "The entries behind one figure.", ("main a[href*='/chain/entries/']",)),
        Shot("chain-lines", "y17-jd", "/chain/lines/?place=4299Z1001&year=2017&stage=paid", "The lines behind one figure of a place."),
        Shot("chain-line", "y17-jd", "/chain/lines/?place=4299Z1001&year=2017&stage=paid", "One line: its stations, its parts with their clauses, up to its prefecture.", ("main a.whole",)),
        Shot("complaints", "dongbao-ts", "/complaints/?show=all", "Complaints, never seen by whom they are about."),
        Shot("appeals", "shi-fy", "/appeals/?show=all", "Appeals, by the day they must be decided."),
        Shot("ratings", "dongbao-ts", "/ratings/?show=all", "Ratings, the bad ones called back."),
        Shot("workbench-province", "sheng", "/", "First page of a province's supervisor."),
    )),
    ("Rules and procedures", (
        Shot("standards", "jiedao-sl", "/standards/?open=1", "Standards and rules in force here, clause by clause."),
        Shot("proposals", "y17-jd", "/standards/proposals/", "Standards and rules proposed, countersigned, approved and published."),
        Shot("proposal", "y17-jd", "/standards/proposals/", "One proposal: values, opinions, the text it publishes.", ("main a.whole",)),
        Shot("proposal-new", "shi-bz", "/standards/proposals/", "Beginning a standard or a rule, for who makes them.", late=True),
        Shot("simulations", "shi-bz", "/simulations/", "What another standard would cost: asked for on a month's frozen roll.", late=True),
        Shot("simulation", "shi-bz", "/simulations/", "One simulation: today and a draft side by side, charts, who loses, by source.", ("main a.whole",), ("desk", "phone"), late=True),
        Shot("prices", "y17-jd", "/prices/", "Price linkage: indices, thresholds, months triggered."),
        Shot("price-round", "y17-jd", "/prices/", "One month of price linkage, by county and group.", ("main a.whole",)),
        Shot("price-members", "y17-jd", "/prices/members/", "Lists of outside groups the subsidy also reaches."),
        Shot("procedures", "jiedao-sl", "/procedures/", "How a case runs here, as a picture.", sizes=("desk", "phone")),
    )),
    ("The system", (
        Shot("accounts", "guanli", "/accounts/", "Accounts and duties."),
        Shot("security", "anquan", "/security/", "Locked accounts, mass reading, missing second factors."),
        Shot("audit", "shenji", "/audit/", "The audit log, chained."),
        Shot("account-new", "guanli", "/accounts/new/", "A new account."),
        Shot("mine", "jiedao-sl", "/security/me/", "Everybody's own sessions, second factor and stand-ins."),
        Shot("outbox", "guanli", "/outbox/", "What the demo would have sent to phones."),
    )),
)  # fmt: skip


#: Every page of money: addresses, who works there, what is done. `tests/whole/test_screens.py` holds it against the routes.
MONEY = (
    ("/runs/", "who prepares; others who pay read", "opens a month for a place and programmes, or a proposal's rise from its page"),
    ("/runs/<pk>/", "who prepares, checks, approves (as many as the amount asks for), sends", "calculates, checks, signs, sends, takes the bank's answer, sends again, closes; the page says whose turn it is"),
    ("/runs/<pk>/changes/, /runs/<pk>/lines/", "all who pay", "read the difference by family, and lines held, failed or unknown"),
    ("/runs/<pk>/accounts/, .../file/", "who sends or checks", "asks the bank which accounts are sound before paying, and takes its answer in"),
    ("/runs/<pk>/batches/<batch>/, .../recalls/<recall>/", "who sends; who checks", "sends a message again after asking for it, asks payments back; proposes how an unknown one ended"),
    ("/bank/, /bank/statements/<pk>/", "all who pay", "take a daily statement in; explain what it leaves open, for another to confirm"),
    ("/bank/todo/", "all who pay", "one queue of failed, returned, unknown and recalled payments by what is to be done; confirms what another proposed"),
    ("/fixed-amounts/", "who prepares; who checks", "reads another department's list of fixed amounts in; another approves it or sends it back"),
    ("/claims/, /claims/<pk>/, .../papers/", "who prepares or keeps funds; who reviews funds", "cash got back, agreement by instalments, way of getting it back; write-off proposed by one and decided by another"),
    ("/funds/, /funds/entries/, /funds/entries/<pk>/", "who keeps and reviews funds, pays, audits", "read the board and the ledger; ask for an entry to be reversed"),
    ("/funds/papers/, /funds/papers/new/, /funds/papers/<no>/", "who keeps funds proposes, who reviews them decides", "appropriation, plan, transfer, advance to a town or hospital, money handed back or carried over"),
    ("/funds/public/", "who keeps funds", "opens and closes a public fund with the use it is bound to"),
    ("/funds/year/<year>/", "who reviews funds", "settles the year of a county"),
    ("/petty/, /petty/<pk>/, /petty/receipts/<no>/", "a town's petty cash officer; the county sets limits", "pays an emergency at once, prints its receipt, takes cash back, counts"),
    ("/hospitals/, /hospitals/new/, /hospitals/<no>/, /hospitals/<no>/<month>/", "who keeps funds; who reviews them", "agreement, files of bills, a month's clearing by two people"),
    ("/hospitals/bills/<no>/, /hospitals/bill/<pk>/", "who keeps funds; who reviews them", "reads bills with their parts, rule and clauses; puts a cleared one right by two people"),
    ("/premiums/, /premiums/<no>/, .../sheet/", "who keeps funds; who reviews them", "lists whom the rules name, pays the collector, takes its answer and what it pays back"),
    ("/emergency-fund/, /emergency-fund/<no>/, .../evidence/", "who keeps funds; who reviews them", "a hospital's request, its evidence, who the patient was found to be, what came back"),
    ("/orders/, /orders/<no>/, /orders/batches/<pk>/, .../file/", "who sends; who keeps funds sends a returned one again", "makes the bank's file of orders to bodies and takes its answer in"),
    ("/refunds/", "who keeps funds; who reviews them reads", "says of money of a body that a statement shows coming back which order it belongs to, and books it"),
    ("/payees/", "who keeps funds enters, who reviews them confirms", "accounts of hospitals and collectors; the old one ends when the new one begins"),
    ("/standards/proposals/, /standards/proposals/<pk>/", "who makes standards; departments answer; who approves them", "values or rules drafted, floors tested, opinions asked, approved, published, paid back from the day they hold"),
    ("/simulations/, /simulations/<pk>/", "who makes or approves standards; supervisors", "one or two drafts on a month's frozen roll: who gains, loses, enters, leaves, and which source pays"),
    ("/prices/, /prices/<pk>/, /prices/members/", "who makes standards enters indices; who pays", "what a month's index triggers, by county and group; lists of groups others manage, handed over to who pays them"),
    ("/chain/, /chain/entries/, /chain/lines/, /chain/lines/<pk>/, /chain/export/", "supervisors, auditors, finance, who pays", "follow a figure from the appropriation down to a family's line and up again"),
    ("/ledger-checks/", "auditors, supervisors", "test the ledger and read what it found"),
    ("/hand-over/, /hand-over/<pk>/", "one asks, another approves", "payment rows handed to another body"),
)  # fmt: skip


#: What was looked at beyond the pictures kept here.
LOOKED_AT = (
    "Beside these pictures pages are looked at whole: at the desk and on the phone, each in large type (`--look DIR`, not kept). Every page named below",
    "was measured in all four ways (wider than the screen, cut, overlapping, a number or date broken over two lines, a head over the other edge than its",
    "numbers, a target under 44 px on the phone). Looked at by eye:",
    "",
    "- **At the desk in large type**: workbenches of a counter, a county and a province; door, a need, hotline and a call, new family, online applications and",
    "  one, cases and one, a family, an emergency, persons at risk, messages to tell; checks of means and one report; changes, notices of changes, a death, watch",
    "  list, classes, a person's file, periodic reviews, spot checks; clue ledger, a clue, warnings, supervision of clues, a sweep, a register, a contract, a roster,",
    "  a complaint, an appeal; standards, a proposal, procedures, price linkage and one month of it; months, a month, its changes, exceptions, bank lines, a",
    "  statement, a batch; fund board, papers, one paper and a new one, entries and one, a year, public funds, a hospital's agreement, petty cash and one town's;",
    "  claims and one; the whole chain, its entries, lines and one line; ledger checks; sign-in security, own sessions.",
    "- **On the phone in large type**: workbench, door, a need, a case, a family; of money: months, a month, its changes",
    "  and lines, a batch, bank lines, a statement, exceptions, overpayments and one, fixed amounts, fund board, papers, one paper and a new one, entries and one, a year, public",
    "  funds, petty cash and one town's, ledger checks, hospitals, one, a month of one, a file of bills, a new agreement, premiums and one list, emergency treatment and one",
    "  request, orders, one and its batch, accounts of bodies, the whole chain, its entries, lines and one line, proposals and one, what-if and one, price linkage and one month,",
    "  its members. Not looked at: a petty cash receipt (paper), money of bodies coming back and, since the demo has none, an account check before paying, payments asked back, an adopted rule, a list of fixed amounts that was read.",
    "- **On the phone**: the same pages of money.",
    "- **Residents' pages in large type (大字版)**: those shown below, but for who looked; not the questions of an application.",
    "",
    "Mended on the pages of money: charts without figures, as high as they need to be and with names that fit a phone; columns that were empty; pages half empty because nothing stood",
    "at their side; eighteen files told one by one instead of by bank; a table squeezed to one character; dates and numbers of papers broken at a hyphen; rows on a phone in half the",
    "lines; notes under the wrong label; payments that failed at the end of a long batch instead of its head.",
    "",
    "Mended by it: amounts that broke inside a number, dates that broke at a hyphen, last lines of one character, actions that squeezed the heading, tables of many",
    "columns cut beside a narrow panel, tables that scroll without a sign of it, notes under the wrong label, boxes to tick over a name, totals without their",
    "label, headings that did not say what the page is, codes of clauses where people cite a document. Other pages in large type on the phone were only measured.",
    "Three ways were gone with the keyboard alone, start to end: accepting an application from a phone; opening, checking and approving a month by three people;",
    "verifying a clue up to its evidence. The jump to the content was out of sight on a scrolled page; it is seen now.",
)
